;; One of the two is written with an escape, below another member.
(data (i32.const 1024) "{\"o\":{\"a\":1,\"\\u0061\":2}}")
(func $misdeed (call $answer (i32.const 1) (i32.const 1024) (i32.const 24)))
