"""The catalogue of stable codes: what `lfci explain CODE` prints.

Families (docs/formats.md): 1xx evidence, 2xx policy and approvals, 3xx execution, 4xx repository
content, 5xx operations. Missing, unverifiable and mismatching are never the same code. A code
is never given a new meaning; a test holds every code used in the package against this table.
"""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    title: str
    cause: str
    remedy: str


CODES: dict[str, Code] = {
    # -- 1xx evidence ------------------------------------------------------------------
    "LFCI101": Code(
        "no attestation for a required check",
        "The policy requires a check, and nothing that was pushed or landed before attests it for this tree.",
        "lfci check && lfci land",
    ),
    "LFCI102": Code(
        "the signature does not verify",
        "A candidate names a key of the policy, but its signature is not by that key over these bytes.",
        "lfci check --force",
    ),
    "LFCI103": Code(
        "signed by an unknown or invalid key",
        "The signing key is not in the policy at the old tip, is revoked, or is not valid at this time.",
        "ask a maintainer to enrol the key that `lfci key show` prints",
    ),
    "LFCI104": Code(
        "the attestation is of another tree",
        "What was attested is not what is being landed: the inputs tree of the check differs.",
        "lfci check && lfci land",
    ),
    "LFCI105": Code(
        "the attestation is of another repository",
        "The attested repository id is not the one of this policy: evidence is not carried between repositories.",
        "lfci check --force",
    ),
    "LFCI106": Code(
        "the attestation is of another check definition",
        "The check was declared differently when it ran (command, inputs, report, timeout, ...).",
        "lfci check --force",
    ),
    "LFCI107": Code(
        "the attestation has expired",
        "It was issued longer ago than the policy's max-age allows, measured with the forge's clock at the push.",
        "lfci check --force && lfci land",
    ),
    "LFCI108": Code(
        "the attested result is a failure",
        "The newest attestation by this key for this tree and definition says FAILED; it vetoes an older pass.",
        "lfci check",
    ),
    "LFCI109": Code(
        "the attestation is too weak for this rule",
        "Role, engine, hermeticity, report, Nix version or the counts do not reach what the policy requires.",
        "lfci check --force",
    ),
    "LFCI110": Code(
        "the attestation is malformed",
        "The bundle, envelope or statement does not follow the format (docs/formats.md).",
        "lfci check --force",
    ),
    "LFCI111": Code(
        "not enough distinct identities attest the check",
        "The policy's threshold counts identities, however many keys each has; too few attested this tree.",
        "let somebody else who is enrolled run: lfci check",
    ),
    "LFCI112": Code(
        "the attestation is bound to another base or ref",
        "The policy binds evidence to the old tip or to the target ref, and this evidence names another.",
        "lfci land",
    ),
    "LFCI113": Code(
        "the attestation is from the future",
        "issuedAt is ahead of the forge's clock by more than the allowed skew of five minutes.",
        "correct the clock of the machine that attested, then: lfci check --force",
    ),
    "LFCI114": Code(
        "flake or lockfile digests differ from the pushed tree",
        "The attestation records other flake.nix, flake.lock or lockfile contents than the pushed tree holds.",
        "lfci check --force",
    ),
    "LFCI115": Code(
        "the result document does not match its attestation",
        "The stored result document has another sha256 than the attested one, or contradicts its counts.",
        "lfci check --force",
    ),
    "LFCI116": Code(
        "not corroborated or verified enough",
        "Enough identities attest the check, but the policy wants equal results of several of them, or a verifier"
        " who got the same derivation or the same result.",
        "let somebody else who is enrolled run lfci check, or a verifier: lfci verify REV --rebuild --attest",
    ),
    "LFCI117": Code(
        "a verifier could not reproduce it",
        "The newest word of a verifier about this run is that it was not reproduced; no other word outweighs that.",
        "find out why the verifier got something else, then: lfci check --force",
    ),
    # -- 2xx policy and approvals ----------------------------------------------------------
    "LFCI201": Code(
        "no policy",
        "Neither the server's lfci.policy file nor .lfci/policy.toml at the old tip exists; nothing can be accepted.",
        "lfci forge init REPO --policy FILE",
    ),
    "LFCI202": Code(
        "the policy is malformed",
        "The policy file is not valid TOML or has keys, types or values that are not allowed.",
        "correct the named line of the policy",
    ),
    "LFCI203": Code(
        "the policy was rolled back",
        "The version of the policy is lower than one that this repository has seen.",
        "restore the newest policy, or propose a larger version",
    ),
    "LFCI204": Code(
        "the policy's version must grow",
        "Every change of .lfci/policy.toml needs a larger version than the landed one.",
        "raise `version` in .lfci/policy.toml",
    ),
    "LFCI205": Code(
        "the policy names another repository",
        "The repository id in the policy never changes: all evidence is bound to it.",
        "restore `repository` in .lfci/policy.toml",
    ),
    "LFCI206": Code(
        "protected paths changed without approval",
        "The push changes paths that the policy protects, and too few approvals cover exactly this change.",
        "ask for: lfci approve REV",
    ),
    "LFCI207": Code(
        "protected ref: deletion is not allowed",
        "The policy protects this ref; a protected ref is never deleted by a push.",
        "push a new commit instead",
    ),
    "LFCI208": Code(
        "protected ref: not a fast-forward",
        "The rule of this ref allows only fast-forward updates, and the new commit does not contain the old one.",
        "lfci land",
    ),
    "LFCI209": Code(
        "the evidence refs are written by the forge only",
        "refs/notes/lfci*, refs/lfci/results and folded state are never pushed, rewound or deleted.",
        "push the evidence to refs/lfci/inbox/<tree>/<id> (lfci land does)",
    ),
    "LFCI210": Code(
        "malformed inbox ref",
        "An inbox ref is create-only, and its name, content and sizes must agree (docs/formats.md).",
        "lfci land",
    ),
    "LFCI211": Code(
        "ref name not allowed",
        "The name is malformed, in an unknown namespace, under refs/replace/, or looks like a protected ref.",
        "push to a branch below refs/heads/ or a tag below refs/tags/",
    ),
    "LFCI212": Code(
        "symbolic ref",
        "A push to a symbolic ref moves its target behind the rules of the target's name.",
        "push to the target branch by its own name",
    ),
    "LFCI213": Code(
        "executed tests vanished against the base",
        "Tests that passed on the base are gone or newly skipped, and the policy does not allow that as it is.",
        "restore the tests, or ask for: lfci approve REV",
    ),
    "LFCI214": Code(
        "an unpinned dependency",
        "A lockfile entry has no content hash, and the policy refuses unpinned dependencies.",
        "pin the named entries",
    ),
    "LFCI215": Code(
        "an approval does not count",
        "The approver's key has no required role, attested the change itself, or approved another change.",
        "ask another maintainer for: lfci approve REV",
    ),
    "LFCI216": Code(
        "no rule covers this ref and the policy demands one",
        "The ref is of a kind that only a rule could allow, and no rule names it.",
        "add a rule for the ref to the policy",
    ),
    "LFCI217": Code(
        "the pusher is not who attested",
        "The rule takes a push only from somebody whose evidence counts, and the forge names another pusher, or none.",
        "push as the identity that ran lfci check",
    ),
    "LFCI218": Code(
        "a bypass does not count",
        "Break-glass was offered, and it is not for exactly this update, not signed by enough people, not in time,"
        " or waives more or less than is needed.",
        "lfci break-glass request REV --onto BRANCH --reason TEXT",
    ),
    "LFCI219": Code(
        "the bypass was used already",
        "A bypass lets one ref update through, once, whatever has happened to the ref since.",
        "lfci break-glass request REV --onto BRANCH --reason TEXT",
    ),
    "LFCI220": Code(
        "the forge's record went back",
        "The forge serves less than this clone has seen there before: an older backup was restored, its history was"
        " rewritten, or this is not the same forge.",
        "ask the operator; when it is meant: lfci attestation forget-forge",
    ),
    "LFCI221": Code(
        "tests cannot be compared with the base",
        "The policy lets no test vanish unseen, and a result document that shows them is missing: of the run that"
        " counts (a trailer brings none), or of the base on the forge.",
        "lfci check --force && lfci land",
    ),
    "LFCI222": Code(
        "the policy file cannot be edited by command",
        "Its layout is one in which a change would touch comments or values that are to stay; nothing was written.",
        "edit .lfci/policy.toml by hand, then: lfci policy check",
    ),
    # -- 3xx execution ------------------------------------------------------------------------
    "LFCI301": Code(
        "no test alias found",
        "Nothing in the project declares how it is tested, in any form that is known.",
        "lfci init --run CMD --report junit:PATH --name test",
    ),
    "LFCI302": Code(
        "several test aliases are possible",
        "More than one declared command could be the project's check; choosing one is your decision.",
        "lfci init --run CMD --name test",
    ),
    "LFCI303": Code(
        "Nix is not usable",
        "The nix commands are missing, too old, or cannot reach their store.",
        "lfci doctor",
    ),
    "LFCI304": Code(
        "the flake does not evaluate",
        "Nix could not turn this tree's flake.nix into a derivation.",
        "correct flake.nix as Nix says above",
    ),
    "LFCI305": Code(
        "the sandbox cannot be built here",
        "bubblewrap is missing or user namespaces are not allowed; a check never runs without its sandbox.",
        "lfci doctor",
    ),
    "LFCI306": Code(
        "the environment could not be built",
        "Nix failed to build an input of the development shell.",
        "run the nix command shown above by hand",
    ),
    "LFCI307": Code(
        "the check failed",
        "The command ran to its end in the sandbox and did not succeed.",
        "read the log named above, correct the change, and run: lfci check",
    ),
    "LFCI308": Code(
        "the check ran out of time",
        "The run was killed at the check's timeout; nothing is known about the result.",
        "make the check faster or raise `timeout` in .lfci/config.toml",
    ),
    "LFCI309": Code(
        "the run did not reach its end",
        "The run script stopped early: exit in a shellHook, a killed shell, or a failing setup.",
        "read the log named above",
    ),
    "LFCI310": Code(
        "the test report is missing or malformed",
        "The check declares a report, and the run left none that can be read strictly.",
        "make the command write the report that .lfci/config.toml names, below $out",
    ),
    "LFCI311": Code(
        "no test was executed",
        "The report holds no executed test; nothing run is never a pass.",
        "check the command and its test selection in .lfci/config.toml",
    ),
    "LFCI312": Code(
        "report and exit status disagree",
        "The command succeeded with failed tests in its report, or failed with none.",
        "read the log named above",
    ),
    "LFCI313": Code(
        "a limit of the sandbox was hit",
        "Disk, memory, process or output limits stopped the run.",
        "free space, or make the check smaller",
    ),
    "LFCI314": Code(
        "the run was killed",
        "A signal from outside ended the run.",
        "lfci check",
    ),
    "LFCI315": Code(
        "the flake's nixConfig is not allowed",
        "nixConfig can redirect where Nix takes things from; only harmless keys are allowed.",
        "remove the named keys from nixConfig in flake.nix",
    ),
    "LFCI316": Code(
        "the flake's inputs are not locked",
        "An input is missing from flake.lock, so the environment is not pinned.",
        "nix --extra-experimental-features 'nix-command flakes' flake lock && git add flake.lock",
    ),
    "LFCI317": Code(
        "no flake.nix in the tree",
        "Checks run in the development shell of the project's flake, and the tree has none.",
        "add flake.nix and flake.lock (lfci help flake)",
    ),
    "LFCI318": Code(
        "the development shell does not exist",
        "The flake has no devShells.<system>.<name> as the check names it.",
        "correct `shell` in .lfci/config.toml or add the shell to flake.nix",
    ),
    "LFCI319": Code(
        "the development shell cannot run checks",
        "It lacks what the run script needs (a bash builder, cp), or is of a kind this Nix cannot enter.",
        "add coreutils to the shell, or use a newer Nix",
    ),
    "LFCI320": Code(
        "a declared artifact is missing",
        "The check declares an artifact below $out, and the run did not leave it as a plain file.",
        "make the command write it, or remove it from `artifacts`",
    ),
    "LFCI321": Code(
        "the derivation differs",
        "Evaluating the flake again at this tree gives another derivation than the attested one.",
        "lfci check --force",
    ),
    "LFCI322": Code(
        "the engine cannot run this check",
        "A flake's own check is run by the build engine only, a check with network by develop only.",
        "lfci check, without --engine",
    ),
    "LFCI323": Code(
        "Nix's build sandbox is not on",
        "A build must run in Nix's sandbox with nothing of the host in it. From users whom its daemon does not"
        " trust Nix takes no such settings.",
        "in nix.conf set sandbox = true and remove extra-sandbox-paths, or use: lfci check --engine develop",
    ),
    "LFCI324": Code(
        "the flake check does not exist",
        "The flake has no checks.<system>.<name> as `flake` in .lfci/config.toml names it.",
        "correct `flake` in .lfci/config.toml or add the check to flake.nix",
    ),
    "LFCI325": Code(
        "the flake check cannot be run as a check",
        "It is no derivation for this system that a shell builds in Nix's closed sandbox.",
        "change the derivation in flake.nix, or declare the check with `run`",
    ),
    "LFCI326": Code(
        "a store path was altered",
        "Files of the environment in this machine's store are not what Nix built or fetched.",
        "nix-store --verify --check-contents --repair",
    ),
    "LFCI327": Code(
        "the result was not reproduced",
        "Building the attested derivation again, twice, gave another result than the attested one.",
        "ask the holder of the named key; until then do not trust what that key attests",
    ),
    "LFCI328": Code(
        "the check is not deterministic",
        "Two builds of the same derivation gave different results, so a rebuild proves nothing about a third.",
        "find what depends on time, chance or order in the tests or artifacts that are named",
    ),
    "LFCI329": Code(
        "a builder cannot be reached or was lost",
        "The machine that was to run the check does not answer, is not the one that is configured, or went away in"
        " the middle; nothing is known about the result.",
        "lfci doctor, then: lfci check",
    ),
    "LFCI330": Code(
        "the builder did not run the check now",
        "It has an output of an earlier run and cannot forget it, or took one from elsewhere; that says nothing"
        " about a run of now.",
        "on the builder: nix-store --delete PATH, with the path that is named; then: lfci check",
    ),
    "LFCI331": Code(
        "it ran on a builder that lfci does not know",
        "A daemon chose the machine, and lfci cannot find out whether the check ran there now.",
        "name the builder in config.toml of lfci, or run it here: lfci check --engine develop",
    ),
    "LFCI332": Code(
        "a binary cache serves what cannot be believed",
        "Its content is not what it signed, or no trusted key signed it; nothing of it was taken.",
        "lfci cache status, and take the cache out of config.toml until its owner has put it right",
    ),
    "LFCI333": Code(
        "the binary cache does not take or give that",
        "It cannot be reached or written, this Nix cannot speak to it, or it does not have what was asked for.",
        "lfci cache status",
    ),
    "LFCI334": Code(
        "the runs of the check do not agree",
        "The same derivation gave different results: under other permitted settings (--twice), or from one run to"
        " the next (--runs). Nothing of it was attested.",
        "find what depends on chance, order, time or the machine in the tests or artifacts that are named",
    ),
    # -- 4xx repository content ---------------------------------------------------------------
    "LFCI401": Code(
        "unsafe tree",
        "A tree has an entry that git clients cannot check out safely, or that is malformed.",
        "remove the named entry and push again",
    ),
    "LFCI402": Code(
        "malformed commit or tag",
        "An object's headers are not what git writes: missing, duplicated or out of order.",
        "recreate the commit with git",
    ),
    "LFCI403": Code(
        "not a commit",
        "A branch must point to a commit.",
        "push a commit",
    ),
    "LFCI404": Code(
        "no .lfci/config.toml in the tree",
        "The tree does not declare its checks.",
        "lfci init",
    ),
    "LFCI405": Code(
        "the check configuration is malformed",
        ".lfci/config.toml is not valid TOML or has keys, types or values that are not allowed.",
        "correct the named line of .lfci/config.toml",
    ),
    "LFCI406": Code(
        "the check is not declared",
        "A required or named check does not exist in .lfci/config.toml of this tree.",
        "declare it in .lfci/config.toml",
    ),
    "LFCI407": Code(
        "submodules are not allowed",
        "A gitlink names a commit that no tree binds; the rule of this ref does not allow it.",
        "remove the submodule, or allow gitlinks in the rule",
    ),
    "LFCI408": Code(
        "shallow history",
        "The push or the repository has a shallow boundary, so history cannot be judged.",
        "git fetch --unshallow",
    ),
    "LFCI409": Code(
        "malformed trailer",
        "An Lfci- trailer is duplicated, not in the last paragraph, or not in its format.",
        "correct the commit message",
    ),
    "LFCI410": Code(
        "malformed notes tree",
        "A notes tree lists an object twice or has entries that git does not write.",
        "restore the notes ref from a good copy",
    ),
    "LFCI411": Code(
        "too many objects",
        "The pushed tree or history has more entries than the gate is willing to read.",
        "split the push",
    ),
    "LFCI412": Code(
        "object too large",
        "An object that must be read is larger than the limit for its kind.",
        "make it smaller",
    ),
    "LFCI413": Code(
        "not valid text",
        "A file, key or message that must be UTF-8 text without control characters is not.",
        "correct the named file",
    ),
    "LFCI414": Code(
        "nothing is left of the inputs",
        "The check's `inputs` patterns keep no file of the tree.",
        "correct `inputs` in .lfci/config.toml",
    ),
    # -- 5xx operations -----------------------------------------------------------------------
    "LFCI501": Code(
        "an object cannot be read",
        "git could not deliver an object that is needed for the decision.",
        "git fsck",
    ),
    "LFCI502": Code(
        "out of space",
        "The file system is full or a quota is reached.",
        "free space and try again",
    ),
    "LFCI503": Code(
        "time budget exceeded",
        "The decision was not reached within lfci.timeBudget, so the answer is no.",
        "push fewer refs or commits at once",
    ),
    "LFCI504": Code(
        "memory bound exceeded",
        "The decision needed more memory than allowed, so the answer is no.",
        "push fewer refs or commits at once",
    ),
    "LFCI505": Code(
        "internal error",
        "Something happened that the gate does not understand, so the answer is no.",
        "ask the operator to read the server's log",
    ),
    "LFCI506": Code(
        "the remote did not take the push",
        "git push failed for a reason that is not a verdict of the gate.",
        "git push (to see git's own message)",
    ),
    "LFCI507": Code(
        "others landed first, again and again",
        "Every attempt lost the race for the target branch; nothing was changed.",
        "lfci land",
    ),
    "LFCI508": Code(
        "replaying onto the target conflicts",
        "The same lines changed on both sides; nothing was changed in your working copy.",
        "git rebase",
    ),
    "LFCI509": Code(
        "no session",
        "No session is open in this worktree, or the session file cannot be read.",
        "lfci session start",
    ),
    "LFCI510": Code(
        "not a git repository",
        "The command needs a git repository, and none is here.",
        "cd into the repository",
    ),
    "LFCI511": Code(
        "no usable key",
        "No private key is configured, or the configured one cannot be read or used.",
        "lfci key generate",
    ),
    "LFCI512": Code(
        "the key file is not private",
        "Others may read the private key file.",
        "chmod 600 on the named file",
    ),
    "LFCI513": Code(
        "a git command failed",
        "git ended with an error that is not expected here.",
        "run the named git command by hand",
    ),
    "LFCI514": Code(
        "bad command line",
        "An option or argument is not valid.",
        "lfci --help",
    ),
    "LFCI515": Code(
        "another process holds the lock",
        "Somebody else is doing the same work; waiting took too long.",
        "try again",
    ),
    "LFCI516": Code(
        "the forge is only half installed",
        "A hook, a setting or the policy of the bare repository is missing or not executable.",
        "lfci forge init REPO --policy FILE",
    ),
    "LFCI517": Code(
        "the working copy is in the way",
        "Uncommitted or conflicting state would be lost or half applied; nothing was changed.",
        "git status",
    ),
    "LFCI518": Code(
        "hooks cannot be installed here",
        "What is already installed cannot be kept beside ours without losing something.",
        "follow the named steps by hand",
    ),
    "LFCI519": Code(
        "a required tool is missing",
        "A program that this step needs is not installed.",
        "install the named package",
    ),
    "LFCI520": Code(
        "a file of lfci cannot be read or written",
        "The operating system refused access to a file that lfci keeps or was told to take.",
        "correct the named file's permissions, owner or type",
    ),
    "LFCI521": Code(
        "a session is already open",
        "Each worktree has at most one open session, so that it is clear what a change belongs to.",
        "lfci session end",
    ),
    "LFCI522": Code(
        "there is no such environment",
        "An environment gets its number when a check first runs in it; none of that number is remembered.",
        "lfci env list",
    ),
    "LFCI523": Code(
        "the runner does not take your word",
        "Whoever asks is known by user and groups, and the runner's configuration names neither, or not for this"
        " repository.",
        "ask the runner's operator for an [[allow]] entry in runner.toml",
    ),
    "LFCI524": Code(
        "the runner cannot be started like this",
        "Its configuration, key, directories or socket are malformed, open to others, or in use.",
        "correct what is named, then: lfci runner serve --config FILE",
    ),
    "LFCI525": Code(
        "a limit of the runner is reached",
        "The runner's operator allows only so many jobs, connections and bytes, for each user and in all.",
        "try again later, or run it here: lfci check --local",
    ),
    "LFCI526": Code(
        "no runner answers",
        "Nothing listens on the socket, or the runner went away again and again; nothing is known about the result.",
        "ask the runner's operator, or run it here: lfci check --local",
    ),
    "LFCI527": Code(
        "not a message that a runner and its clients exchange",
        "What came over the socket is malformed, too large or too slow, or of another version.",
        "use the same version of lfci on both sides",
    ),
    "LFCI528": Code(
        "the runner does not have that",
        "The repository is not in the runner's configuration, or the commit is not where the runner may take it from.",
        "push the commit to where the runner fetches from, or ask its operator",
    ),
    "LFCI529": Code(
        "the runner's answer is not what was asked for",
        "Its signature, repository, tree, definition or result document does not fit; nothing of it was kept.",
        "ask the runner's operator; until then: lfci check --local",
    ),
    "LFCI530": Code(
        "the objects that were sent are not taken",
        "The pack is damaged, incomplete, too large, or holds objects that git does not accept.",
        "git fsck, then try again",
    ),
    "LFCI531": Code(
        "the configuration of this machine is not usable",
        "config.toml of the user or the operator is malformed, or others than the user and root can change it.",
        "correct what is named, then: lfci doctor",
    ),
}
"""Every code with its title, cause and remedy."""
