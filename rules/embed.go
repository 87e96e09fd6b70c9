// Package rules holds the detections that bluetrail ships, one folder for each AWS
// service, and the lists that their placeholders read. Every rule has tests;
// `bluetrail rules test` runs them.
package rules

import "embed"

// Files are the rules, as <service>/<name>.yml, and the lists, as lookups/<name>.txt.
//
//go:embed */*.yml lookups/*.txt
var Files embed.FS
