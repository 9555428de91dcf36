"""Publishing: what readers of densezoo see, made from the registry, the cards, the results and the examples.

    python -m publishing.pages            # writes what is generated: `make readme`
    python -m publishing.pages --check    # says what is out of date, and writes nothing
    python -m publishing.links site       # looks for dead links in the built site: `make docs`
    python -m publishing.distribution     # builds wheel and sdist, installs the wheel in a clean environment: `make dist-check`
"""
