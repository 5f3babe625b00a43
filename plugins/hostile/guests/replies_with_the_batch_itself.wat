;; The new body of the marked item is its own id, where the host wrote it: no JSON.
(func $misdeed (call $answer (i32.const 1) (global.get $id) (global.get $id_len)))
