"""Names of folders that break programs which paste paths into URLs, command lines, patterns or SQL."""

HOSTILE_NAMES = (
    "a b",
    "a#b",
    "why?",
    "My%20Repo",
    "50%",
    "under_score",
    "größe",
    "🦉",
    "it's",
    '"quoted"',
    "-dash",
    "a;b&c=d",
    "a@b:c",
    "[x]*",
    "back\\slash",
    "$HOME",
    "x" * 200,
)
