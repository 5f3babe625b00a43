;; There are no documents yet, and nobody to read the log.
(func $start
  (call $say (i32.const 288) (i32.const 5))
  (call $put (i32.const 288) (i32.const 5) (i32.const 288) (i32.const 5)
    (i32.const 320) (i32.const 17) (i32.const 600))
  (call $expect (i32.const 1))
  (call $get (i32.const 288) (i32.const 5) (i32.const 288) (i32.const 5) (i32.const 600))
  (call $expect (i32.const 1)))
(func (export "_initialize") (call $start))
