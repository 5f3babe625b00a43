(memory $memory (export "memory") 8)
(func $misdeed
  (memory.fill (i32.const 200000) (i32.const 0x20) (i32.const 262145))
  (i32.store8 (i32.const 200000) (i32.const 0x31))
  (call $put (i32.const 288) (i32.const 5) (i32.const 288) (i32.const 5)
    (i32.const 200000) (i32.const 262145) (i32.const 600))
  (call $expect (i32.const 2)))
