// Package guide holds the searches of the blue team's guide to CloudTrail that
// bluetrail began from, word for word.
package guide

import "embed"

//go:embed searches/*.spl
var files embed.FS

// Search is one search of the guide.
type Search struct {
	Name  string // of its file, without .spl
	Title string
	Why   string
	SPL   string
}

// Searches returns the six searches in the guide's order.
func Searches() []Search {
	list := []Search{
		{Name: "console-login-without-mfa", Title: "Console logins without a second factor", Why: "Accounts on which MFA is not enforced, or stolen passwords."},
		{Name: "failed-logins-by-source", Title: "Failed console logins by source", Why: "Passwords being guessed, and from where."},
		{Name: "gpu-instances", Title: "GPU instances that were started", Why: "Someone mines cryptocurrency on your bill."},
		{Name: "ssh-open-to-the-world", Title: "Port 22 open to any address, with the instances behind it", Why: "A security group that lets everyone try."},
		{Name: "network-acl-open", Title: "Network ACL entries that let anyone in", Why: "A subnet opened to the world."},
		{Name: "public-bucket-acl", Title: "Buckets made public", Why: "Data that anyone may now read."},
	}
	for i := range list {
		text, err := files.ReadFile("searches/" + list[i].Name + ".spl")
		if err != nil {
			panic(err) // the files are part of the program
		}
		list[i].SPL = string(text)
	}
	return list
}
