"""Rules: what LiteRT's GPU accelerator is known to refuse or to get wrong, operator by operator, and what to write instead.

    @rule("CUMSUM", kind=WRONG, what="…", advice="…")
    def flagged(graph, operator):
        return bool(operator.options["exclusive"] or operator.options["reverse"])

A rule sees one operator and its graph, and needs no GPU. Each of kind WRONG or CRASH was measured on the accelerator against
the CPU: probe.json has the graphs. Found by its file: a module of this package enters its rules when it is imported.
"""
