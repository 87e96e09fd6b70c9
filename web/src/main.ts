import { mount } from 'svelte';
import './styles/tokens.css';
import './styles/base.css';
import './state/theme.svelte';
import App from './App.svelte';

mount(App, { target: document.getElementById('app')! });
