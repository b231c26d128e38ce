{
  description = "lfci-gate: local-first CI for git, with signed proofs of locally run checks";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      each = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});

      # The version has one place: lfci_gate/__init__.py.
      version = builtins.head (
        builtins.match ".*__version__ = \"([^\"]+)\".*" (builtins.readFile ./lfci_gate/__init__.py)
      );

      runtime = python: [
        python.bcrypt
        python.cryptography
        python.jinja2
        python.pygit2
        python.pyyaml
        python.tomli-w
        python.tomlkit
      ];

      # What lfci starts: found on PATH, so that a user's own newer git or Nix may stand before it.
      programs = pkgs: [
        pkgs.bubblewrap
        pkgs.git
        pkgs.nix
        pkgs.util-linux
      ];

      module =
        pkgs: python:
        python.buildPythonPackage {
          pname = "lfci-gate";
          inherit version;
          pyproject = true;
          src = self;
          build-system = [ python.hatchling ];
          dependencies = runtime python;
          makeWrapperArgs = [ "--suffix PATH : ${pkgs.lib.makeBinPath (programs pkgs)}" ];
          # The tests start Nix, which has no store to write to inside a build: `make test` runs them.
          doCheck = false;
          pythonImportsCheck = [ "lfci_gate" ];
          meta = {
            description = "Local-first CI for git: a receive-hook gate with signed proofs of locally run checks";
            license = pkgs.lib.licenses.asl20;
            mainProgram = "lfci";
            platforms = systems;
          };
        };

      # An interpreter that has the package, not a wrapped script: the receive hooks start
      # `python -I -m lfci_gate.gate.receive` with the interpreter that `lfci forge init` ran in.
      package = pkgs: pkgs.python3.withPackages (python: [ (module pkgs python) ]);

      # Everything that the quick part of `make lint` needs, as a derivation.
      lint =
        pkgs:
        pkgs.runCommand "lfci-gate-lint"
          {
            nativeBuildInputs = [
              pkgs.ruff
              pkgs.shellcheck
            ];
          }
          ''
            cd ${self}
            ruff check --no-cache .
            ruff format --no-cache --check .
            shellcheck hooks/* tests/support/*.sh .ci/run
            touch $out
          '';
    in
    {
      packages = each (pkgs: rec {
        lfci-gate = package pkgs;
        default = lfci-gate;
      });

      apps = each (pkgs: {
        default = {
          type = "app";
          program = "${package pkgs}/bin/lfci";
        };
      });

      devShells = each (pkgs: {
        default = pkgs.mkShell {
          packages = programs pkgs ++ [
            pkgs.gnumake
            pkgs.openssh
            pkgs.shellcheck
            (pkgs.python3.withPackages (
              python:
              runtime python
              ++ [
                python.hatchling
                python.hypothesis
                python.mypy
                python.pytest
                python.pytest-timeout
                python.pytest-xdist
                python.securesystemslib
              ]
            ))
            pkgs.pre-commit
            pkgs.ruff
          ];
        };
      });

      checks = each (pkgs: {
        package = package pkgs;
        lint = lint pkgs;
      });
    };
}
