package event

import "strings"

func init() {
	agent := []string{"userAgent"}
	const forged = " Callers choose their user agent: it can be forged."
	Register(
		Field{Name: "ua_tool", Group: GroupRecord, Type: Text, From: agent, Derive: func(in Inputs) Cell {
			tool, _ := Agent(in.Text(0))
			return Cell{Text: tool, Set: tool != ""}
		}, Doc: "The tool in userAgent without its version: `aws-cli`, `Boto3`, `aws-sdk-go-v2`, `Terraform`, `CloudShell`, `console`, `browser`, `AWS service` or the tool's own name." + forged},
		Field{Name: "ua_version", Group: GroupRecord, Type: Text, From: agent, Derive: func(in Inputs) Cell {
			_, version := Agent(in.Text(0))
			return Cell{Text: version, Set: version != ""}
		}, Doc: "The version of ua_tool; for a browser its name and version." + forged},
		Field{Name: "ua_command", Group: GroupRecord, Type: Text, From: agent, Derive: func(in Inputs) Cell {
			command := AgentCommand(in.Text(0))
			return Cell{Text: command, Set: command != ""}
		}, Doc: "The command that the AWS CLI notes in userAgent, such as `iam.create-user`." + forged},
	)
}

// maxTool bounds the name of a tool: a hostile agent is one long word.
const maxTool = 60

// inside are products that make a tool of any agent that names them.
var inside = []struct{ product, tool string }{
	{"exec-env/CloudShell", "CloudShell"}, {"Terraform/", "Terraform"}, {"OpenTofu/", "OpenTofu"}, {"Pulumi/", "Pulumi"}, {"pulumi/", "Pulumi"}, {"S3Console/", "console"}, {"AWS-Console", "console"}, {"AWSConsole", "console"},
}

// browsers go from the special to the general: each also names those after it.
var browsers = []string{"Edg/", "OPR/", "Firefox/", "Chrome/", "Version/"}

// Agent returns the tool in a user agent and its version; either may be "".
func Agent(userAgent string) (tool, version string) {
	ua := strings.Trim(userAgent, "[] ")
	if ua == "" {
		return "", ""
	}
	if host := strings.ToLower(ua); strings.HasPrefix(host, "aws internal") || !strings.ContainsAny(host, " /") && (strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn") || strings.HasSuffix(host, ".aws.internal")) {
		if strings.HasPrefix(host, "console.") || strings.HasPrefix(host, "signin.") || strings.Contains(host, ".console.") {
			return "console", ""
		}
		return "AWS service", ""
	}
	for _, p := range inside {
		if i := strings.Index(ua, p.product); i >= 0 {
			if p.tool == "CloudShell" {
				_, version = product(ua)
			} else {
				_, version = product(ua[i:])
			}
			return p.tool, version
		}
	}
	if strings.HasPrefix(ua, "Mozilla/") {
		for _, b := range browsers {
			if i := strings.Index(ua, b); i >= 0 {
				name, version := product(ua[i:])
				if name == "Version" {
					name = "Safari"
				}
				return "browser", name + "/" + version
			}
		}
		return "browser", ""
	}
	return product(ua)
}

// product splits the first product of a user agent, such as aws-cli/2.17.32.
func product(ua string) (name, version string) {
	if i := strings.IndexAny(ua, " ,;()"); i >= 0 {
		ua = ua[:i]
	}
	name, version, _ = strings.Cut(ua, "/")
	// Some tools append an ID of the run: stratus-red-team_<UUID>.
	if i := strings.LastIndexByte(name, '_'); i > 0 && len(name)-i-1 == 36 && strings.Count(name[i:], "-") == 4 {
		name = name[:i]
	}
	return cut(name, maxTool), cut(version, maxTool)
}

// cut returns at most n bytes of s, without half a character at the end.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// AgentCommand returns the command in a user agent of the AWS CLI, "" = none.
func AgentCommand(userAgent string) string {
	for _, mark := range []string{"md/command#", "command/"} {
		i := strings.Index(userAgent, mark)
		if i < 0 || i > 0 && userAgent[i-1] != ' ' && userAgent[i-1] != '[' {
			continue
		}
		command := userAgent[i+len(mark):]
		if end := strings.IndexAny(command, " ]"); end >= 0 {
			command = command[:end]
		}
		return cut(command, maxTool)
	}
	return ""
}
