;; Any version of it, before it can be had.
(data (i32.const 1024) "\00\01\00\00\07\00\00\00\10\04\00\00\07\00\00\00" ">=2.0.0")
(func $describe (result i32)
  (i32.store (i32.const 428) (i32.const 1024))
  (i32.store (i32.const 432) (i32.const 1))
  (i32.const 400))
