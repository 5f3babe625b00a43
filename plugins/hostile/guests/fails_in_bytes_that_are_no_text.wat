(data (i32.const 1024) "bad \ff\fe\c3\28\ed\a0\80")
(func $misdeed (call $answer (i32.const 3) (i32.const 1024) (i32.const 11)))
