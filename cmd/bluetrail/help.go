package main

import (
	"io"
	"strings"
)

// examples returns the examples that a command's help ends with.
func examples(lines ...string) string {
	return "Examples:\n\n\t" + strings.Join(lines, "\n\t")
}

// Help implements kong.HelpProvider.
func (*searchCmd) Help() string {
	return "The search is SPL; @FILE reads it from a file, and - from standard input.\n\n" + examples(
		"bluetrail search --files ./AWSLogs 'eventName=ConsoleLogin errorCode=failure | stats count by user src'",
		"bluetrail search --files './logs/*.json.gz' --earliest -7d 'AKIAIOSFODNN7EXAMPLE'",
		"bluetrail search --data ./data 'errorCode=AccessDenied | timechart span=1h count by user'",
		"bluetrail search --data ./data @hunt.spl -o csv > rows.csv",
		"bluetrail search --files ./AWSLogs 'user=alice' -o raw | jq .requestParameters",
	)
}

// Help implements kong.HelpProvider.
func (*ingestCmd) Help() string {
	return examples(
		"bluetrail ingest ./AWSLogs --data ./data",
		"bluetrail ingest 'exports/*.json.gz' --index incident-42",
		"bluetrail ingest s3://my-trail/AWSLogs --since -7d --data ./data",
	)
}

// Help implements kong.HelpProvider.
func (*serveCmd) Help() string {
	return examples(
		"bluetrail --config bluetrail.yaml serve",
		"bluetrail serve --data ./data --addr 127.0.0.1:9090",
	)
}

// Help implements kong.HelpProvider.
func (*generateCmd) Help() string {
	return examples(
		"bluetrail generate --out ./trail --events 50000 --days 10",
		"bluetrail generate --out ./trail --events 5000 --days 8 --tamper log-changed",
	)
}

// Help implements kong.HelpProvider.
func (*demoCmd) Help() string {
	return examples("bluetrail demo", "bluetrail demo --events 500000 --data /tmp/demo")
}

// Help implements kong.HelpProvider.
func (*rulesCheckCmd) Help() string {
	return examples("bluetrail rules check ./security_content/detections/cloud", "bluetrail rules check ./rules -o json")
}

// Help implements kong.HelpProvider.
func (*splCheckCmd) Help() string {
	return examples(`bluetrail spl check '* | stats count by user'`, "bluetrail spl check - < searches.txt")
}

// Help implements kong.HelpProvider.
func (*splExplainCmd) Help() string {
	return examples(`bluetrail spl explain --data ./data 'errorCode=AccessDenied | stats count by user'`)
}

// Help implements kong.HelpProvider.
func (*splCommandsCmd) Help() string {
	return examples("bluetrail spl commands", "bluetrail spl commands timechart", "bluetrail spl commands cidrmatch")
}

// Help implements kong.HelpProvider.
func (*doctorCmd) Help() string {
	return examples("bluetrail doctor --data ./data", "bluetrail doctor --data ./data --deep", "bluetrail doctor aws --bucket my-trail", "bluetrail doctor aws --policy")
}

// Help implements kong.HelpProvider.
func (*backupCmd) Help() string {
	return examples(
		"bluetrail backup /mnt/backup --data ./data --keep 14",
		"bluetrail backup /mnt/backup --verify",
	)
}

// Help implements kong.HelpProvider.
func (*restoreCmd) Help() string {
	return examples(
		"bluetrail restore /mnt/backup --data ./restored",
		"bluetrail restore /mnt/backup --at 20260301T040000Z --data ./restored",
	)
}

// Help implements kong.HelpProvider.
func (*repairCmd) Help() string {
	return examples("bluetrail repair --data ./data")
}

// verbNames returns the names of all commands.
func verbNames() []string {
	var c cli
	parser, err := newParser(&c, io.Discard, io.Discard, func(int) {})
	if err != nil {
		return nil
	}
	var names []string
	for _, n := range parser.Model.Children {
		if !n.Hidden {
			names = append(names, n.Name)
		}
	}
	return names
}
