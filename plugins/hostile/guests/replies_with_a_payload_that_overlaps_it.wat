;; layout: records
;; The new body is the list of outcomes itself.
(func $misdeed (call $answer (i32.const 1) (i32.const 512) (i32.const 8)))
