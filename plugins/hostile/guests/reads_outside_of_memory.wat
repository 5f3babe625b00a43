(func $misdeed (global.set $kind (i32.load (i32.const -4))))
