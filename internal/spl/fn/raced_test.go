//go:build race

package fn_test

const raced = true
