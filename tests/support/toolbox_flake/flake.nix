# Beside the offline world: node, and a small C compiler with a static libc and make, from `seed`.
{
  outputs = { self }: {
    # The tools as one derivation, built with the world's.
    lib.toolbox = world: derivation (world.lib.base // {
      name = "world-toolbox";
      PATH = world.lib.path;
      args = [ "-euc" ''
        cp -R ${self}/seed $out
        chmod -R u+w $out
        # The programs name their interpreter by a long path that stands for the one here.
        python3 - $out/bin/node $out/bin/make $out/bin/tcc <<END
        import os, sys
        for name in sys.argv[1:]:
            data = open(name, "rb").read()
            start = data.index(b"/lfci-interpreter/")
            room = data.index(b"\0", start) - start
            real = os.fsencode("$out/lib/ld-linux-x86-64.so.2")
            assert len(real) <= room
            open(name, "wb").write(data[:start] + real.ljust(room, b"\0") + data[start + room:])
        END
        cat > $out/bin/cc <<END
        #!${world.lib.tools}/bin/bash
        musl=$out/musl
        tcc=($out/bin/tcc -B$out/tcc -nostdinc -I$out/tcc/include -I\$musl/include)
        case " \$* " in *" -c "* | *" -E "*) exec "\''${tcc[@]}" "\$@" ;; esac
        exec "\''${tcc[@]}" -static -nostdlib \$musl/crt1.o \$musl/crti.o "\$@" \$musl/libc.a \$musl/crtn.o
        END
        printf '#!${world.lib.tools}/bin/bash\nexec %s/bin/tcc -ar "$@"\n' $out > $out/bin/ar
        chmod +x $out/bin/*
        ln -s ${world.lib.tools}/bin/true $out/bin/ranlib
      '' ];
    });
  };
}
