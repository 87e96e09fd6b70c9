package rule

import "strings"

// techniques are the names of ATT&CK techniques that rules about AWS name.
var techniques = map[string]string{
	"T1020": "Automated Exfiltration", "T1021": "Remote Services", "T1021.004": "SSH", "T1021.007": "Cloud Services", "T1021.008": "Direct Cloud VM Connections", "T1040": "Network Sniffing",
	"T1048": "Exfiltration Over Alternative Protocol", "T1059": "Command and Scripting Interpreter", "T1059.004": "Unix Shell", "T1059.009": "Cloud API", "T1069": "Permission Groups Discovery",
	"T1069.003": "Cloud Groups", "T1070": "Indicator Removal", "T1074": "Data Staged", "T1074.002": "Remote Data Staging", "T1078": "Valid Accounts", "T1078.001": "Default Accounts",
	"T1078.004": "Cloud Accounts", "T1087": "Account Discovery", "T1087.004": "Cloud Account", "T1090": "Proxy", "T1090.003": "Multi-hop Proxy", "T1098": "Account Manipulation",
	"T1098.001": "Additional Cloud Credentials", "T1098.003": "Additional Cloud Roles", "T1098.004": "SSH Authorized Keys", "T1098.005": "Device Registration", "T1098.006": "Additional Container Cluster Roles",
	"T1110": "Brute Force", "T1110.001": "Password Guessing", "T1110.003": "Password Spraying", "T1110.004": "Credential Stuffing", "T1133": "External Remote Services", "T1136": "Create Account",
	"T1136.003": "Cloud Account", "T1190": "Exploit Public-Facing Application", "T1195": "Supply Chain Compromise", "T1195.002": "Compromise Software Supply Chain", "T1199": "Trusted Relationship",
	"T1201": "Password Policy Discovery", "T1204": "User Execution", "T1204.003": "Malicious Image", "T1484": "Domain or Tenant Policy Modification", "T1484.002": "Trust Modification", "T1485": "Data Destruction",
	"T1485.001": "Lifecycle-Triggered Deletion", "T1486": "Data Encrypted for Impact", "T1489": "Service Stop", "T1490": "Inhibit System Recovery", "T1496": "Resource Hijacking", "T1496.001": "Compute Hijacking",
	"T1496.002": "Bandwidth Hijacking", "T1496.003": "SMS Pumping", "T1496.004": "Cloud Service Hijacking", "T1518": "Software Discovery", "T1525": "Implant Internal Image", "T1526": "Cloud Service Discovery",
	"T1528": "Steal Application Access Token", "T1530": "Data from Cloud Storage", "T1531": "Account Access Removal", "T1535": "Unused/Unsupported Cloud Regions", "T1537": "Transfer Data to Cloud Account",
	"T1538": "Cloud Service Dashboard", "T1539": "Steal Web Session Cookie", "T1546": "Event Triggered Execution", "T1548": "Abuse Elevation Control Mechanism", "T1548.005": "Temporary Elevated Cloud Access",
	"T1550": "Use Alternate Authentication Material", "T1550.001": "Application Access Token", "T1552": "Unsecured Credentials", "T1552.001": "Credentials In Files", "T1552.005": "Cloud Instance Metadata API",
	"T1552.007": "Container API", "T1555": "Credentials from Password Stores", "T1555.006": "Cloud Secrets Management Stores", "T1556": "Modify Authentication Process", "T1556.006": "Multi-Factor Authentication",
	"T1556.007": "Hybrid Identity", "T1556.009": "Conditional Access Policies", "T1562": "Impair Defenses", "T1562.001": "Disable or Modify Tools", "T1562.007": "Disable or Modify Cloud Firewall",
	"T1562.008": "Disable or Modify Cloud Logs", "T1566": "Phishing", "T1566.002": "Spearphishing Link", "T1567": "Exfiltration Over Web Service", "T1567.002": "Exfiltration to Cloud Storage",
	"T1578": "Modify Cloud Compute Infrastructure", "T1578.001": "Create Snapshot", "T1578.002": "Create Cloud Instance", "T1578.003": "Delete Cloud Instance", "T1578.004": "Revert Cloud Instance",
	"T1578.005": "Modify Cloud Compute Configurations", "T1580": "Cloud Infrastructure Discovery", "T1584": "Compromise Infrastructure", "T1584.001": "Domains", "T1593": "Search Open Websites/Domains",
	"T1593.003": "Code Repositories", "T1606": "Forge Web Credentials", "T1606.002": "SAML Tokens", "T1609": "Container Administration Command", "T1610": "Deploy Container", "T1611": "Escape to Host",
	"T1613": "Container and Resource Discovery", "T1619": "Cloud Storage Object Discovery", "T1621": "Multi-Factor Authentication Request Generation", "T1648": "Serverless Execution",
	"T1651": "Cloud Administration Command", "T1657": "Financial Theft", "T1666": "Modify Cloud Resource Hierarchy", "T1671": "Cloud Application Integration",
}

// TechniqueName returns the name of an ATT&CK technique, as in "Valid Accounts: Cloud
// Accounts" for T1078.004; "" for one that no rule about AWS names.
func TechniqueName(id string) string {
	name := techniques[id]
	if main, _, sub := strings.Cut(id, "."); sub && name != "" && techniques[main] != "" {
		return techniques[main] + ": " + name
	}
	return name
}

// tacticsOf are the tactics to which ATT&CK counts a technique and those beneath it.
var tacticsOf = map[string]string{
	"T1020": "exfiltration", "T1021": "lateral-movement", "T1040": "credential-access discovery", "T1048": "exfiltration", "T1059": "execution", "T1069": "discovery", "T1070": "defense-evasion",
	"T1074": "collection", "T1078": "initial-access persistence privilege-escalation defense-evasion", "T1087": "discovery", "T1090": "command-and-control", "T1098": "persistence privilege-escalation",
	"T1110": "credential-access", "T1133": "initial-access persistence", "T1136": "persistence", "T1190": "initial-access", "T1195": "initial-access", "T1199": "initial-access", "T1201": "discovery",
	"T1204": "execution", "T1484": "privilege-escalation defense-evasion", "T1485": "impact", "T1486": "impact", "T1489": "impact", "T1490": "impact", "T1496": "impact", "T1518": "discovery",
	"T1525": "persistence", "T1526": "discovery", "T1528": "credential-access", "T1530": "collection", "T1531": "impact", "T1535": "defense-evasion", "T1537": "exfiltration", "T1538": "discovery",
	"T1539": "credential-access", "T1546": "persistence privilege-escalation", "T1548": "privilege-escalation defense-evasion", "T1550": "defense-evasion lateral-movement", "T1552": "credential-access",
	"T1555": "credential-access", "T1556": "persistence defense-evasion credential-access", "T1562": "defense-evasion", "T1566": "initial-access", "T1567": "exfiltration", "T1578": "defense-evasion",
	"T1580": "discovery", "T1584": "resource-development", "T1593": "reconnaissance", "T1606": "credential-access", "T1609": "execution", "T1610": "execution defense-evasion",
	"T1611": "privilege-escalation", "T1613": "discovery", "T1619": "discovery", "T1621": "credential-access", "T1648": "execution", "T1651": "execution", "T1657": "impact", "T1666": "defense-evasion",
	"T1671": "persistence",
}

// TechniqueTactics returns the tactics of a technique, nil for one that is not known.
func TechniqueTactics(id string) []string {
	main, _, _ := strings.Cut(id, ".")
	return strings.Fields(tacticsOf[main])
}

// AllTactics are the tactics of ATT&CK, in its order, as Tactics names them.
var AllTactics = []string{
	"reconnaissance", "resource-development", "initial-access", "execution", "persistence", "privilege-escalation", "defense-evasion", "credential-access", "discovery",
	"lateral-movement", "collection", "command-and-control", "exfiltration", "impact",
}
