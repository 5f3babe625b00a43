(memory $memory (export "memory") 8)
(func $misdeed
  (memory.fill (i32.const 200000) (i32.const 0x20) (i32.const 262145))
  (i32.store8 (i32.const 200000) (i32.const 0x31))
  (call $answer (i32.const 1) (i32.const 200000) (i32.const 262145)))
