"""Which folder may import which."""

STAGES = {  # what each top-level folder may import besides itself
    "contract": set(),
    "binding": {"contract"},
    "evaluation": {"contract"},
    "cards": {"contract"},
    "train": {"contract", "evaluation", "cards"},
    "bundle": {"contract"},
    "compile": {"contract", "evaluation", "cards", "binding", "bundle"},
    "score": {"contract", "binding", "bundle"},
    "app": {"contract", "binding", "bundle", "score"},
    "deploy": {"contract"},
}
COMMANDS = {"contract.__main__": {"compile"}}  # a command that runs another stage, which it imports when it is run
ROOMS = {  # the same within app/
    "core": set(),
    "explanation": set(),
    "answers": {"core", "explanation"},
    "model": {"core", "answers", "explanation"},
    "metrics": {"core", "model"},
    "telemetry": {"core", "model", "metrics"},
    "http": {"core", "telemetry"},
    "batch": {"core", "model", "answers", "http"},
    "table": {"core", "model", "answers", "http", "batch"},
    "docs": {"core", "model", "answers", "table"},
    "page": {"core"},
    "main": {"core", "model", "telemetry", "http", "batch", "table", "docs", "page"},
    "process": {"core", "model", "metrics", "telemetry", "http", "main"},
    "__main__": {"core", "process"},
}
