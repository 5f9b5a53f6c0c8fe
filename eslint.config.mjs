import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules/", ".venv/", ".cache/", "runs/", "**/.ipynb_checkpoints/"] },
  eslint.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-floating-promises": "error",
      // `declare namespace tf` gives the exported tf its types.
      "@typescript-eslint/no-namespace": ["error", { allowDeclarations: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
    },
  },
  {
    files: ["**/*.mjs", "**/*.cjs"],
    languageOptions: {
      globals: Object.fromEntries(
        "process console Buffer URL fetch AbortSignal AbortController setTimeout clearTimeout setInterval clearInterval setImmediate performance require module exports __dirname __filename globalThis TextDecoder"
          .split(" ")
          .map((name) => [name, "readonly"]),
      ),
    },
  },
);
