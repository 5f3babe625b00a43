(data $version (i32.const 264) "\1b[31m")
