;; Of 100,000 bytes: there is nothing behind it, or it is not valid, but nothing breaks.
(memory $memory (export "memory") 8)
(func $misdeed
  (memory.fill (i32.const 200000) (i32.const 0x78) (i32.const 100000))
  (call $scan (i32.const 288) (i32.const 5) (i32.const 1) (i32.const 200000) (i32.const 100000)
    (i32.const 10) (i32.const 600))
  (if (i32.eq (call $told) (i32.const 1)) (then (unreachable))))
