;; Twice the same number, written so that whoever compares them by value has much to do.
(data (i32.const 1024) "{\"a\":1e99999999999999999999}")
(func $misdeed (call $answer (i32.const 1) (i32.const 1024) (i32.const 28)))
