;; By more than there is on earth.
(memory $large i64 1)
(func $misdeed
  (if (i64.eq (memory.grow $large (i64.const 0xfffffffffff)) (i64.const -1)) (then (unreachable))))
