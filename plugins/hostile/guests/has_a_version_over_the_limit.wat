;; 129 bytes.
(data (i32.const 1024) "2.0.0+")
(func $describe (result i32)
  (memory.fill (i32.const 1030) (i32.const 0x61) (i32.const 123))
  (i32.store (i32.const 408) (i32.const 1024))
  (i32.store (i32.const 412) (i32.const 129))
  (i32.const 400))
