module {{name}}

go 1.27

require github.com/godwit/godwit/plugins/sdk/go v0.0.0

replace github.com/godwit/godwit/plugins/sdk/go => ./sdk
