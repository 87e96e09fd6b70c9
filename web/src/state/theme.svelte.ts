// Light, dark, or what the system asks for.
export type Theme = 'light' | 'dark' | 'system';

const key = 'bluetrail.theme';
const wanted = matchMedia('(prefers-color-scheme: dark)');

function stored(): Theme {
  const value = localStorage.getItem(key);
  return value === 'light' || value === 'dark' ? value : 'system';
}

class ThemeState {
  choice = $state<Theme>(stored());
  #system = $state(wanted.matches);
  dark = $derived(this.choice === 'dark' || (this.choice === 'system' && this.#system));

  constructor() {
    wanted.addEventListener('change', (e) => (this.#system = e.matches));
    this.#apply();
  }

  set(choice: Theme) {
    this.choice = choice;
    if (choice === 'system') localStorage.removeItem(key);
    else localStorage.setItem(key, choice);
    this.#apply();
  }

  #apply() {
    if (this.choice === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.choice;
  }

  /**
   * Resolves a colour token such as `--accent` to what a canvas understands. Reading it in an
   * effect draws again when the theme changes.
   */
  color(token: string): string {
    void this.dark;
    const probe = document.createElement('span');
    probe.style.color = `var(${token})`;
    document.body.append(probe);
    const color = getComputedStyle(probe).color;
    probe.remove();
    return color;
  }
}

export const theme = new ThemeState();
