package actor

import (
	"strings"

	"bluetrail/internal/event"
)

// toolClass is what a user agent claims to be. It is weak evidence: callers choose their agent.
type toolClass uint8

const (
	otherTool toolClass = iota
	codeTool
	scanTool
	agentTool
	shellTool
)

var toolWords = []struct {
	word string
	kind toolClass
}{
	{"terraform", codeTool}, {"opentofu", codeTool}, {"pulumi", codeTool}, {"cloudformation", codeTool}, {"aws-cdk", codeTool}, {"cdk-", codeTool}, {"terragrunt", codeTool},
	{"ansible", codeTool}, {"crossplane", codeTool}, {"serverless", codeTool}, {"configure-aws-credentials", codeTool}, {"github-actions", codeTool}, {"atlantis", codeTool}, {"sam-cli", codeTool}, {"ack-", codeTool},
	{"prowler", scanTool}, {"scoutsuite", scanTool}, {"scout suite", scanTool}, {"cloudsploit", scanTool}, {"steampipe", scanTool}, {"cloudquery", scanTool}, {"cartography", scanTool}, {"cloudmapper", scanTool},
	{"pmapper", scanTool}, {"cloudcustodian", scanTool}, {"custodian", scanTool}, {"wiz-", scanTool}, {"lacework", scanTool}, {"orca-", scanTool}, {"prisma", scanTool}, {"datadog", scanTool}, {"pacu", scanTool},
	{"claude", agentTool}, {"bedrock-agent", agentTool}, {"aws-mcp", agentTool}, {"awslabs/mcp", agentTool}, {"mcp-server", agentTool}, {"amazonq", agentTool}, {"kiro", agentTool}, {"langchain", agentTool}, {"strands", agentTool},
	{"cloudshell", shellTool}, {"console", shellTool}, {"browser", shellTool}, {"mozilla", shellTool},
}

// tool is what made a call, as its user agent claims.
type tool struct {
	name  string // without its version
	class toolClass
}

func toolOf(agent string) (t tool) {
	t.name, _ = event.Agent(agent)
	lower := strings.ToLower(t.name + " " + agent[:min(len(agent), 300)])
	for _, w := range toolWords {
		if strings.Contains(lower, w.word) {
			t.class = w.kind
			break
		}
	}
	return t
}
