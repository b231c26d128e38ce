# Stands in for nixpkgs where it cannot be fetched: just enough for this project's flake.nix to be
# evaluated, so that its outputs, its attribute names and its strings are tried. Every package is a
# derivation that nobody builds.
{
  outputs =
    { self }:
    let
      fake =
        name: attributes:
        derivation (
          {
            inherit name;
            system = "x86_64-linux";
            builder = "/bin/sh";
          }
          // attributes
        );
      names = names: builtins.listToAttrs (map (name: { inherit name; value = fake name { }; }) names);
      pythonPackages =
        names [
          "bcrypt" "cryptography" "hatchling" "hypothesis" "jinja2" "mypy" "pygit2" "pytest" "pyyaml"
          "pytest-timeout" "pytest-xdist" "securesystemslib" "tomli-w" "tomlkit"
        ]
        // {
          buildPythonPackage =
            { pname, version, src, build-system, dependencies, makeWrapperArgs, meta, ... }:
            fake "${pname}-${version}" {
              inherit src dependencies makeWrapperArgs;
              nativeBuildInputs = build-system;
              inherit (meta) description mainProgram platforms;
              license = meta.license.spdxId;
            };
        };
      pkgs =
        names [
          "bubblewrap" "git" "gnumake" "nix" "openssh" "pre-commit" "ruff" "shellcheck" "util-linux"
        ]
        // {
          inherit lib;
          python3.withPackages = choose: fake "python3-env" { packages = choose pythonPackages; };
          mkShell = { packages }: fake "nix-shell" { inherit packages; };
          runCommand = name: attributes: script: fake name (attributes // { inherit script; });
        };
      lib = {
        genAttrs = keys: make: builtins.listToAttrs (map (name: { inherit name; value = make name; }) keys);
        makeBinPath = packages: builtins.concatStringsSep ":" (map (package: "${package}/bin") packages);
        licenses.asl20.spdxId = "Apache-2.0";
      };
    in
    {
      inherit lib;
      legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (system: pkgs);
    };
}
