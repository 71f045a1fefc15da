//! What the page has no room for: what is done to the example so that `check` warns, and what `import` reads.

/// A file of the example, a text in it, and what takes its place.
type Edit = (&'static str, &'static str, &'static str);

/// By the first cell of a row: what is done to the example of the policy guide.
pub(crate) const WARNINGS: &[(&str, &[Edit])] = &[
    ("a group or labels that match nothing", &[("access.toml", "data=pii", "data=pi")]),
    (
        "a rule that no request can take",
        &[("access.toml", "hosts = \"env=stage\"\nlogins = \"root\"", "hosts = \"env=prod\"")],
    ),
    (
        "a rule that no request takes by itself",
        &[(
            "access.toml",
            "[[rule]]\nname = \"stage\"",
            "[[rule]]\nname = \"night\"\nwho = \"sre\"\nhosts = \"env=prod\"\nlogins = \"root\"\napprove = \"1 of sre\"\n\
             max = \"30m\"\nttl = \"5m\"\n\n[[rule]]\nname = \"stage\"",
        )],
    ),
    (
        "a rule that another undercuts",
        &[(
            "access.toml",
            "[[rule]]\nname = \"stage\"",
            "[[rule]]\nname = \"web\"\nwho = \"sre\"\nhosts = \"role=web,env=prod\"\nlogins = \"root\"\napprove = \"auto\"\n\
             max = \"1h\"\nttl = \"5m\"\nallow = [\"pty\"]\n\n[[rule]]\nname = \"stage\"",
        )],
    ),
    ("a quorum that cannot be filled", &[("access.toml", "approve = \"1 of sre\"", "approve = \"3 of sre\"")]),
    (
        "somebody who stands in and adds nobody",
        &[
            ("directory.toml", "[[group]]", "[[group]]\nname = \"guests\"\n\n[[group]]"),
            ("access.toml", "approve = \"1 of sre\"\n", "approve = \"1 of sre\"\nescalate = \"15m to guests\"\n"),
        ],
    ),
    (
        "a FIDO key that nobody has",
        &[("access.toml", "allow = [\"pty\"]\n", "allow = [\"pty\"]\nrequester_key = \"sk\"\n")],
    ),
    (
        "break-glass that nobody else could review",
        &[
            ("directory.toml", "[[group]]", "[[group]]\nname = \"leads\"\nmembers = [\"alice\"]\n\n[[group]]"),
            ("access.toml", "allow = [\"pty\"]\n", "allow = [\"pty\"]\nbreak_glass = \"15m reviewed by leads\"\n"),
        ],
    ),
    (
        "a condition on approvers that matters to nobody",
        &[
            ("directory.toml", "[[group]]", "[[group]]\nname = \"guests\"\nmembers = [\"dave\"]\n\n[[group]]"),
            ("access.toml", "[[require]]", "[[approver]]\ngroup = \"guests\"\nhosts = \"*\"\n\n[[require]]"),
        ],
    ),
    ("a user without a key", &[("directory.toml", "[[group]]", "[[user]]\nname = \"erin\"\n\n[[group]]")]),
    (
        "a group that nothing uses",
        &[("directory.toml", "[[group]]", "[[group]]\nname = \"guests\"\nmembers = [\"dave\"]\n\n[[group]]")],
    ),
];

/// By what the first cell of a row names: what is read, and how the answer begins.
pub(crate) const IMPORTS: &[(&str, &str, &str)] = &[
    ("--authorized-keys DIR", "today", "Drafted users: 3, groups: 3, hosts: 2, rules: 2."),
    ("--sshd-log FILE", "auth.log", "Drafted users: 3, groups: 4, hosts: 2, rules: 3."),
    ("--groups FILE.csv", "groups.csv", "Drafted users: 2, groups: 2, hosts: 0, rules: 0."),
    ("--teleport roles.yaml", "roles.yaml", "Drafted users: 0, groups: 2, hosts: 0, rules: 2."),
];
