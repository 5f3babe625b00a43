;; 1e400 is JSON; how large a number may be, JSON does not say.
(data (i32.const 1024) "{\"a\":1e400}")
(func $misdeed (call $answer (i32.const 1) (i32.const 1024) (i32.const 11)))
