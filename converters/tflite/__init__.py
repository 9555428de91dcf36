"""TFLite files: written, described and looked into."""
