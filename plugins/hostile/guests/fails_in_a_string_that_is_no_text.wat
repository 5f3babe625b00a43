;; layout: records
(data (i32.const 1024) "bad \ff\fe\c3\28")
(func $misdeed (call $answer (i32.const 3) (i32.const 1024) (i32.const 8)))
