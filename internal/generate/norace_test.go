//go:build !race

package generate

const raceDetector = false

func scaled(n int) int { return n }
