(data (i32.const 1024) "{\"a\":NaN}")
(func $misdeed (call $answer (i32.const 1) (i32.const 1024) (i32.const 9)))
