"""ONNX files: written and checked."""
