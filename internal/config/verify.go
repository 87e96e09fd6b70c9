package config

import "time"

// Verify says how a server verifies the digest files of CloudTrail in its sources.
type Verify struct {
	Keys  string        `yaml:"keys"`  // file of answers of ListPublicKeys; "" = nothing is verified
	Every time.Duration `yaml:"every"` // between two looks
}

// Bounds of Verify.Every.
const (
	leastVerify = time.Minute
	mostVerify  = 24 * time.Hour
)
