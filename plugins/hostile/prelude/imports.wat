;; What the contract offers. A guest that imports more says so behind it.

(import "godwit:migration/log@1.0.0" "log"
  (func $log (param i32 i32 i32 i32 i32 i32)))

(import "godwit:migration/documents@1.0.0" "get"
  (func $get (param i32 i32 i32 i32 i32)))

(import "godwit:migration/documents@1.0.0" "scan"
  (func $scan (param i32 i32 i32 i32 i32 i32 i32)))

(import "godwit:migration/documents@1.0.0" "put"
  (func $put (param i32 i32 i32 i32 i32 i32 i32)))

(import "godwit:migration/documents@1.0.0" "delete"
  (func $delete (param i32 i32 i32 i32 i32)))

(import "godwit:migration/run@1.0.0" "current"
  (func $current (param i32)))
