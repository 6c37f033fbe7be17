// The names of the pod's templates among what is completed; chosen, one is put in the place of its name.
import { ifNotIn } from "@codemirror/autocomplete";

export const TEMPLATES = { name: "Templates", rank: 3 };
// Where JavaScript has a value or the name of a property, no statement begins.
const WITHIN = ["String", "TemplateString", "RegExp", "LineComment", "BlockComment", "ObjectExpression", "ArgList", "PropertyName", "PropertyDefinition"];

export const templateOptions = (templates) => templates.map(({ name, apply }) => ({ label: name, detail: "template", type: "text", section: TEMPLATES, apply }));

// In a query of the shell and in a script.
export function templateCompletion(templates) {
  return ifNotIn(WITHIN, (context) => {
    const word = context.matchBefore(/[\w$.]*$/);
    if (word.text.includes(".") || (word.text === "" && !context.explicit)) return null;
    return { from: word.from, options: templateOptions(templates), validFor: /^[\w$]*$/ };
  });
}
