(func $misdeed (memory.copy (i32.const 0) (i32.const 65536) (i32.const -1)))
