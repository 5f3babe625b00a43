;; To 4 GiB.
(func $misdeed
  (if (i32.eq (memory.grow (i32.const 65530)) (i32.const -1)) (then (unreachable))))
