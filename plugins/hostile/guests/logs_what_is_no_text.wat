(data (i32.const 1024) "\ff\fe")
(func $misdeed (call $say (i32.const 1024) (i32.const 2)))
