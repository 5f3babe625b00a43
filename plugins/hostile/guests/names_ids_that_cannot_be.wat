;; None, and one of 513 bytes. One of 512 bytes can be.
(func $misdeed
  (memory.fill (i32.const 2048) (i32.const 0x78) (i32.const 513))
  (call $note (i32.const 2048) (i32.const 0))
  (call $expect (i32.const 3))
  (call $note (i32.const 2048) (i32.const 513))
  (call $expect (i32.const 3))
  (call $get (i32.const 288) (i32.const 5) (i32.const 2048) (i32.const 513) (i32.const 600))
  (call $expect (i32.const 3))
  (call $delete (i32.const 288) (i32.const 5) (i32.const 2048) (i32.const 0) (i32.const 600))
  (call $expect (i32.const 3))
  (call $note (i32.const 2048) (i32.const 512))
  (call $expect (i32.const 0)))
