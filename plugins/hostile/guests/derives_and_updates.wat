(data $mode (i32.const 465) "\01")
(func $behave (call $answer (i32.const 0) (i32.const 0) (i32.const 0)))
(func $misdeed (call $answer (i32.const 1) (i32.const 320) (i32.const 17)))
