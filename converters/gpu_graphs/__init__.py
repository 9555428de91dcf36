"""Small TFLite graphs with their true answers, for asking what a runtime makes of each operator (`zoo gpu-probe`).

`case.all_cases()` has them; `cases/` holds them, a file a family; `draft.Draft` is what they are drawn with. A graph is
computed in float64 while it is drawn (`truth/`), on samples that bring faults out: scores of both signs, odd sides, channels
that are no multiple of 4. `integers.quantized` gives its int8 form. Nothing here needs Keras or a backend.
"""
