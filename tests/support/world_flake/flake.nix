# An offline world: bash, the busybox applets, CPython and pytest, all from `seed`.
# `lib.shell` makes a development shell of each kind that projects really have.
{
  outputs = { self }:
    let
      system = "x86_64-linux";
      seed = "${self}/seed";

      tools = derivation {
        name = "world-tools";
        inherit system;
        builder = "${seed}/bin/bash";
        args = [ "-euc" ''
          box=${seed}/bin/busybox
          $box mkdir -p $out/bin
          $box cp ${seed}/bin/bash ${seed}/bin/busybox $out/bin/
          for applet in $($box --list); do
            [ -e $out/bin/$applet ] || $box ln -s busybox $out/bin/$applet
          done
          $box ln -sf bash $out/bin/sh
          $box mkdir -p $out/lib
          $box cp -R ${seed}/locale $out/lib/
        '' ];
      };

      python = derivation {
        name = "world-python";
        inherit system;
        builder = "${tools}/bin/bash";
        PATH = "${tools}/bin";
        args = [ "-euc" ''
          mkdir -p $out
          cp -R ${seed}/python/. $out/
          chmod -R u+w $out
          cat > $out/bin/python3 <<END
          #!${tools}/bin/bash
          PYTHONHOME=$out exec $out/lib/ld-linux-x86-64.so.2 --library-path $out/lib --argv0 "\$0" $out/bin/.python3.11 "\$@"
          END
          chmod +x $out/bin/python3
          ln -s python3 $out/bin/python
          # As nixpkgs does: nothing is compiled, and nothing needs to be written, when it runs.
          $out/bin/python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash $out/lib/python3.11
        '' ];
      };

      path = "${python}/bin:${tools}/bin";

      # What a development shell of each kind has in common.
      base = {
        name = "world-shell";
        inherit system;
        builder = "${tools}/bin/bash";
        outputs = [ "out" ];
        LOCPATH = "${tools}/lib/locale";
        args = [ "-euc" "echo a shell is not built >&2; exit 1" ];
      };

      kinds = {
        # A bare derivation whose PATH is an attribute.
        plain = base // { PATH = path; stdenv = "${self}/plain"; };
        # As nixpkgs' mkShell: PATH and strict modes come from $stdenv/setup.
        stdenv = base // { initialPath = [ tools python ]; stdenv = "${self}/stdenv"; };
        # The same with __structuredAttrs: no variable but NIX_ATTRS_* reaches the builder.
        structured = base // {
          __structuredAttrs = true;
          initialPath = [ tools python ];
          stdenv = "${self}/stdenv";
          worldList = [ "one two" "three" ];
          worldMap = { key = "value"; };
          env = { WORLD_FROM_ENV = "structured"; LOCPATH = base.LOCPATH; };
        };
        # As numtide/devshell: an empty setup; the hook makes PATH and removes the build's variables.
        devshell = base // {
          stdenv = "${self}/plain";
          shellHook = ''
            unset NIX_BUILD_TOP NIX_BUILD_CORES NIX_STORE TEMP TEMPDIR TMP TMPDIR
            unset builder out shellHook stdenv system dontAddDisableDepTrack outputs
            export PATH=${path}
          '';
        };
        # A shell without coreutils anywhere.
        empty = base // { stdenv = "${self}/plain"; };
        # A builder that is not bash.
        box = base // { builder = "${tools}/bin/busybox"; PATH = path; };
      };
    in
    {
      lib = {
        inherit tools python path base kinds;
        shell = kind: extra: derivation (kinds.${kind} // extra);
      };
      packages.${system} = { inherit tools python; };
      devShells.${system}.default = derivation kinds.plain;
    };
}
