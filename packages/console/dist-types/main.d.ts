import '@fontsource-variable/inter';
import './mantine.css';
import 'virtual:theme-variables.css';
import './styles.css';
//# sourceMappingURL=main.d.ts.map