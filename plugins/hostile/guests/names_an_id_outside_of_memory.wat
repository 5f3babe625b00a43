(func $misdeed (call $note (i32.const -8) (i32.const 8)))
