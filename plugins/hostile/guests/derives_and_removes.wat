(data $mode (i32.const 465) "\01")
(func $behave (call $answer (i32.const 0) (i32.const 0) (i32.const 0)))
(func $misdeed (call $answer (i32.const 2) (i32.const 0) (i32.const 0)))
