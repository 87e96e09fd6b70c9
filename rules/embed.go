// Package rules holds the detections that bluetrail ships, one folder for each AWS
// service. Every rule has tests; `bluetrail rules test` runs them.
package rules

import "embed"

// Files are the rules, as <service>/<name>.yml.
//
//go:embed */*.yml
var Files embed.FS
