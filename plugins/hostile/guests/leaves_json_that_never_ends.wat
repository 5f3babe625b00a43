;; 200,000 brackets that open.
(memory $memory (export "memory") 8)
(func $misdeed
  (memory.fill (i32.const 200000) (i32.const 0x5b) (i32.const 200000))
  (call $answer (i32.const 1) (i32.const 200000) (i32.const 200000)))
